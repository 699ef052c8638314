import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";

/** A page without scripts that says why a sign-in ended, and hands the refusal to the editor that is waiting. */
export function refusalPage(page: {
  sentence: string;
  location: string;
  requestId: string;
}): HtmlEscapedString | Promise<HtmlEscapedString> {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta http-equiv="refresh" content="0; url=${page.location}" />
        <title>Not signed in</title>
        <style>
          :root {
            color-scheme: light dark;
          }
          body {
            font:
              16px/1.5 system-ui,
              sans-serif;
            max-width: 34rem;
            margin: 15vh auto;
            padding: 0 1rem;
          }
          small {
            opacity: 0.7;
          }
        </style>
      </head>
      <body>
        <main>
          <h1>Not signed in</h1>
          <p>${page.sentence}</p>
          <p><a href="${page.location}">Back to your editor</a></p>
          <small>Request ${page.requestId}</small>
        </main>
      </body>
    </html>`;
}
