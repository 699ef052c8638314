// Another extension that uses the editor's language models, as a test tells it: it listens on loopback, tells its
// address to the one in CHAT_CLIENT, and answers each POST with what came of it.
const { createServer } = require("node:http");
const { text } = require("node:stream/consumers");
const vscode = require("vscode");

exports.activate = (context) => {
  if (process.env.CHAT_CLIENT === undefined) return;
  const server = createServer((request, response) => {
    void text(request)
      .then((body) => perform(JSON.parse(body)))
      .then((result) => response.end(JSON.stringify(result)));
  });
  context.subscriptions.push({ dispose: () => server.close() });
  server.listen(0, "127.0.0.1", () => {
    void fetch(process.env.CHAT_CLIENT, { method: "POST", body: String(server.address().port) });
  });
};

async function perform({ model, messages, tools, mustCallTool, stopAfterFirst }) {
  const models = await vscode.lm.selectChatModels({ vendor: "openrouter-keys" });
  if (model === undefined)
    return models.map(({ id, name, family, maxInputTokens }) => ({ id, name, family, maxInputTokens }));
  const chosen = models.find(({ id }) => id === model);
  if (chosen === undefined) return { said: [], error: { code: "no such model" } };
  const stop = new vscode.CancellationTokenSource();
  const said = [];
  try {
    const options = {
      justification: "A test asks.",
      tools: tools ?? [],
      toolMode: mustCallTool ? vscode.LanguageModelChatToolMode.Required : vscode.LanguageModelChatToolMode.Auto,
    };
    const sent = messages.map(messageOf);
    const tokens = await chosen.countTokens(sent[0]);
    const response = await chosen.sendRequest(sent, options, stop.token);
    for await (const part of response.stream) {
      if (part instanceof vscode.LanguageModelTextPart) said.push(part.value);
      else if (part instanceof vscode.LanguageModelToolCallPart) {
        said.push({ id: part.callId, name: part.name, input: part.input });
      }
      if (stopAfterFirst) stop.cancel();
    }
    return { said, tokens };
  } catch (error) {
    return { said, error: { name: error.name, code: error.code, message: error.message ?? String(error) } };
  }
}

function messageOf({ role, text: words, image, call, result }) {
  const parts = [];
  if (words !== undefined) parts.push(new vscode.LanguageModelTextPart(words));
  if (image !== undefined) parts.push(vscode.LanguageModelDataPart.image(Buffer.from(image, "base64"), "image/png"));
  if (call !== undefined) parts.push(new vscode.LanguageModelToolCallPart(call.id, call.name, call.input));
  if (result !== undefined) {
    parts.push(new vscode.LanguageModelToolResultPart(result.id, [new vscode.LanguageModelTextPart(result.text)]));
  }
  const { User, Assistant } = vscode.LanguageModelChatMessageRole;
  return new vscode.LanguageModelChatMessage(role === "assistant" ? Assistant : User, parts);
}
