"""The sample knowledge base: documents of an invented vendor and a request it has to answer.

The vendor, its people, its clients and all figures are made up; the documents agree with each
other, and in a few points the vendor does not meet the request, so that a gap analysis has gaps
to find. The files are read as they are; `build.py` made the PDF and the DOCX from `source/`.
"""

from pathlib import Path

KB_NAME = "Sample: Northlarch Public Systems"

EXAMPLE_CONTEXT = (
    "Answer Request for Proposals 2026-114 of the Ellery County Department of Human Services for "
    "a resident services portal and case management with the Larchway platform. Concentrate on "
    "authentication and security: OAuth 2.0 with PKCE, phishing-resistant multi-factor "
    "authentication, session handling, encryption, audit logs, incident notification and recovery "
    "objectives. Name comparable projects for public agencies and the five-year price."
)

_FILES = (
    "security-whitepaper.pdf",
    "company-profile.docx",
    "past-projects.md",
    "pricing-notes.html",
    "support-and-service-levels.md",
    "rfp-resident-services.txt",
)


def paths() -> list[Path]:
    """Return the sample documents, always in the same order."""
    return [Path(__file__).with_name(name) for name in _FILES]
