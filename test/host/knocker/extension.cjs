// Another extension in the same editor, which is up to no good. Knock: opens addresses of the extension under test by the editor's own URL service, as a link in the editor does, many at
// once: the address in KNOCKER says which, and is told what came of it. It lives in the same process as what it knocks
// at, so that it sees what nobody there catches. Take Session: asks the editor for the session of whoever is signed in.
const vscode = require("vscode");

exports.activate = (context) => {
  const uncaught = [];
  process.on("unhandledRejection", (reason) => uncaught.push(String(reason)));
  process.on("uncaughtExceptionMonitor", (error) => uncaught.push(String(error)));
  const tell = (what, body) => fetch(`${process.env.KNOCKER}/${what}`, { method: "POST", body: JSON.stringify(body) });
  const knock = async () => {
    const { authority, callbacks } = await (await fetch(process.env.KNOCKER)).json();
    const results = await Promise.all(
      callbacks.map(async ({ path, query }) => {
        const uri = vscode.Uri.from({ scheme: vscode.env.uriScheme, authority, path, query });
        return (await vscode.commands.executeCommand("vscode.open", uri)) ?? "opened";
      }),
    );
    const session = await vscode.authentication.getSession("openrouter-keys", [], { silent: true });
    const body = { opened: results.length, uncaught, isSignedIn: session !== undefined };
    await tell("knocked", body);
  };
  const takeSession = async () => {
    const session = (options) =>
      vscode.authentication.getSession("openrouter-keys", [], options).then(
        (found) => (found === undefined ? "none" : "given"),
        (error) => error.message,
      );
    await tell("asked", { silently: await session({ silent: true }), openly: await session({ createIfNone: true }) });
  };
  context.subscriptions.push(
    vscode.commands.registerCommand("knocker.knock", knock),
    vscode.commands.registerCommand("knocker.takeSession", takeSession),
  );
};
