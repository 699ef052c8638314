import type { Person } from "./people.ts";

const style = `
:root { color-scheme: light dark; --line: #c4c8d0; --text: #1b1f27; --quiet: #59606e; --page: #f3f4f7; --card: #fff;
  --hover: #eef3ff; --focus: #1f5fd6; }
@media (prefers-color-scheme: dark) {
  :root { --line: #4a505d; --text: #e9ebf0; --quiet: #a6adbb; --page: #14161b; --card: #1e2128; --hover: #2a3040;
    --focus: #8ab0ff; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page);
  color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; padding: 2rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 0.75rem; }
h1 { margin: 0; font-size: 1.375rem; line-height: 1.3; }
p { margin: 0.5rem 0 1.5rem; color: var(--quiet); }
ul { list-style: none; margin: 0 0 1rem; padding: 0; display: grid; gap: 0.5rem; }
button { width: 100%; min-height: 2.75rem; padding: 0.5rem 1rem; font: inherit; color: inherit; text-align: start;
  background: none; border: 1px solid var(--line); border-radius: 0.5rem; cursor: pointer; }
button:hover { background: var(--hover); }
button:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
button span { display: block; color: var(--quiet); font-size: 0.875rem; }
.cancel { text-align: center; }
`;

/** The text as HTML text or a quoted attribute value. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
${content}
</main>
</body>
</html>
`;
}

/** The page that asks who is signing in: one button a person, one to cancel; posts `subject` or `cancel` to `action`. */
export function signInPage(people: readonly Person[], action: string): string {
  const buttons = people.map(
    (person) =>
      `<li><button type="submit" name="subject" value="${escapeHtml(person.subject)}">` +
      `${escapeHtml(person.name ?? person.email)} <span>${escapeHtml(person.email)}</span></button></li>`,
  );
  return page(
    "Sign in to Example Company",
    `<p id="who">Choose who you are. This company exists only on this computer, so no password is needed.</p>
<form method="post" action="${escapeHtml(action)}">
<ul aria-describedby="who">
${buttons.join("\n")}
</ul>
<button class="cancel" type="submit" name="cancel" value="yes">Cancel</button>
</form>`,
  );
}

/** The page for a request that cannot go on, with what to do next. */
export function faultPage(detail: string): string {
  return page("This sign-in cannot continue", `<p>${escapeHtml(detail)}</p>`);
}
