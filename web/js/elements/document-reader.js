/** The text of a document; opens at the cited passage. */
export class DocumentReader extends HTMLElement {
  connectedCallback() {
    const cited = this.querySelector("#cited");
    cited?.scrollIntoView({ block: "center", behavior: "instant" });
  }
}
