import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";

/** The pages that a person sees during a sign-in. No scripts, nothing from elsewhere; every value is escaped. */
export interface Page {
  readonly body: HtmlEscapedString | Promise<HtmlEscapedString>;
  /** For the header Content-Security-Policy. */
  readonly policy: string;
}

/** Says why a sign-in ended, and hands the refusal to the editor that is waiting at `location`, if one is. */
export function refusalPage(page: { sentence: string; location: string | undefined; requestId: string }): Page {
  const { location } = page;
  return {
    policy: `${basePolicy}; form-action 'none'`,
    body: layout(
      "Not signed in",
      html`<p>${page.sentence}</p>
        ${location === undefined ? "" : html`<p><a href="${location}">Back to your editor</a></p>`}
        <small>Request ${page.requestId}</small>`,
      location === undefined ? "" : html`<meta http-equiv="refresh" content="0; url=${location}" />`,
    ),
  };
}

/** Asks whether the editor that waits on another host is the person's own. The code goes there with the button only. */
export function askPage(page: { location: string; email: string; secondsAgo: number }): Page {
  const { host, origin, pathname, searchParams } = new URL(page.location);
  const fields = [...searchParams].map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  );
  return {
    // No form-action: browsers hold the redirects after the form to it too, and where those lead is the editor's affair.
    policy: basePolicy,
    body: layout(
      `Sign in to VS Code at ${host}?`,
      html`<p>
          Somebody started this ${page.secondsAgo} seconds ago from an editor at <strong>${host}</strong>. It will act
          as <strong>${page.email}</strong>.
        </p>
        <p>
          Go on only if that is your own editor and you have just begun to sign in there. Otherwise close this page.
        </p>
        <form method="get" action="${origin}${pathname}">
          ${fields}
          <button type="submit">Sign in to VS Code at ${host}</button>
        </form>`,
    ),
  };
}

/** Shows the code, for an editor that no address leads to. */
export function codePage(page: { code: string; email: string }): Page {
  return {
    policy: `${basePolicy}; form-action 'none'`,
    body: layout(
      "Your sign-in code",
      html`<p>
          You are signed in as <strong>${page.email}</strong>. Paste this code into the editor that you came from:
        </p>
        <p><label for="code">Code</label><input id="code" value="${page.code}" readonly size="50" autofocus /></p>
        <p>
          To copy it, click into the field, then press Ctrl+A and Ctrl+C, on a Mac ⌘A and ⌘C. It works once, in that
          editor only, for 5 minutes.
        </p>
        <p>
          <strong>Give this code to nobody.</strong> Who asks you for it wants to act as you. Then close this page.
        </p>`,
    ),
  };
}

const basePolicy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

function layout(
  title: string,
  content: HtmlEscapedString | Promise<HtmlEscapedString>,
  head: HtmlEscapedString | Promise<HtmlEscapedString> | "" = "",
): HtmlEscapedString | Promise<HtmlEscapedString> {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        ${head}
        <title>${title}</title>
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
          button,
          input {
            font: inherit;
            max-width: 100%;
            padding: 0.5rem 1rem;
          }
          label {
            display: block;
          }
          strong {
            overflow-wrap: anywhere;
          }
          small {
            opacity: 0.7;
          }
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${content}
        </main>
      </body>
    </html>`;
}
