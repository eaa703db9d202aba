"""The product: everything here runs in a test or a script without a server."""
