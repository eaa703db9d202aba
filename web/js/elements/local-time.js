/** Writes the time inside it in the reader's own language and zone, with the full time as a tooltip. */
export class LocalTime extends HTMLElement {
  connectedCallback() {
    const time = this.querySelector("time");
    const date = new Date(time?.dateTime ?? "");
    if (time === null || Number.isNaN(date.getTime())) return;
    const isToday = date.toDateString() === new Date().toDateString();
    const clock = date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    time.textContent = isToday ? `today, ${clock}` : date.toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" });
    time.title = date.toLocaleString();
  }
}
