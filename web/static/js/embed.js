// Docent in another application's page. In that page:
//   <script src="https://docent.example.org/static/js/embed.js" defer></script>
//   <docent-assistant about="warehouse.sales.orders"></docent-assistant>
// An admin of the workspace names that application's origin in the setting embed.origins.
(() => {
  const home = new URL(document.currentScript.src).origin;
  class DocentAssistant extends HTMLElement {
    static observedAttributes = ["about"];
    connectedCallback() {
      if (this.frame) return;
      this.frame = document.createElement("iframe");
      this.frame.title = "Docent assistant";
      this.frame.referrerPolicy = "origin";
      this.frame.style.cssText = "display:block;width:100%;height:100%;min-height:420px;border:0;color-scheme:auto";
      this.point();
      this.append(this.frame);
    }
    attributeChangedCallback() { this.point(); }
    point() {
      if (!this.frame) return;
      const address = new URL("/embed", home), about = this.getAttribute("about");
      if (about) address.searchParams.set("about", about);
      if (this.frame.src !== address.href) this.frame.src = address.href;
    }
  }
  if (!customElements.get("docent-assistant")) customElements.define("docent-assistant", DocentAssistant);
})();
