/** Where no code may go, each nearly an address that one goes to. */
export const evilRedirects = [
  "https://evil.example/auth",
  "vscode://other.extension/auth",
  "vscode://openrouter-keys.openrouter-keys/other",
  "vscode://openrouter-keys.openrouter-keys/auth?next=https://evil.example",
  "vscode://openrouter-keys.openrouter-keys/auth#x",
  "http://127.0.0.1.evil.example/auth",
  "http://127.0.0.1:80@evil.example/auth",
  "http://127.0.0.1/auth",
  "http://127.0.0.1:99999/auth",
  "http://localhost:1234/auth",
  "http://127.0.0.1:1234/auth?x=1",
  "http://127.0.0.1:1234/other",
  "https://someone.github.dev/extension-auth-callback",
  "javascript:alert(1)",
  "openrouter-keys.openrouter-keys/auth",
  "http:\\\\127.0.0.1:1234/auth",
];
