// Shows the document with Swagger UI in the place of the plain list.
"use strict";

const place = document.getElementById("swagger-ui");

function followTheTheme() {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  follow();
  dark.addEventListener("change", follow);
}

// Keys and operations alone: the page says itself what the document is about, and has a <main> already.
function plainLayout({ React }) {
  const part = (getComponent, name, own) => React.createElement(getComponent(name, own));
  return {
    components: {
      PlainLayout: ({ getComponent }) => React.createElement(
        "div",
        { className: "swagger-ui" },
        part(getComponent, "SvgAssets"),
        part(getComponent, "AuthorizeBtnContainer", true),
        part(getComponent, "errors", true),
        part(getComponent, "operations", true),
      ),
    },
  };
}

// Swagger UI leaves the choices among a parameter's values without a name.
function nameChoices() {
  for (const choice of place.querySelectorAll(".parameters select:not([aria-label])")) {
    const row = choice.closest("tr[data-param-name]");
    if (row) choice.setAttribute("aria-label", row.dataset.paramName);
  }
}

if (window.SwaggerUIBundle) {
  new MutationObserver(nameChoices).observe(place, { childList: true, subtree: true });
  followTheTheme();
  place.parentElement.hidden = false;
  document.querySelector(".operations").hidden = true;
  window.SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    plugins: [plainLayout],
    layout: "PlainLayout",
    defaultModelsExpandDepth: -1,
    syntaxHighlight: { activated: false },
    // Nothing is sent anywhere but here.
    validatorUrl: null,
  });
}
