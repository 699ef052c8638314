// In place of the editor's own Microsoft account, which needs an account: the address in MICROSOFT_ACCOUNT answers with
// an access token for the scopes that are asked for, or refuses.
const vscode = require("vscode");

exports.activate = (context) => {
  const changes = new vscode.EventEmitter();
  const provider = {
    onDidChangeSessions: changes.event,
    getSessions: async () => [],
    createSession: async (scopes) => {
      const answer = await fetch(process.env.MICROSOFT_ACCOUNT, { method: "POST", body: JSON.stringify(scopes) });
      if (!answer.ok) throw new Error("User cancelled");
      const account = { id: "ada", label: "ada@example.com" };
      return { id: "1", accessToken: await answer.text(), account, scopes };
    },
    removeSession: async () => {},
  };
  context.subscriptions.push(vscode.authentication.registerAuthenticationProvider("microsoft", "Microsoft", provider));
};
