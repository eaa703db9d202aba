// A classic script on purpose: it runs before the first paint, so that a chosen theme does not flash.
try {
  const theme = localStorage.getItem("footnote:theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the system's choice holds.
}
