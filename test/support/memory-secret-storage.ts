import type { SecretStore } from "../../extension/base/secret-store.ts";

/** The editor's secret storage, in memory; windows that share one instance share their secrets. */
export class MemorySecretStorage implements SecretStore {
  readonly values = new Map<string, string>();
  readonly #listeners = new Set<(change: { readonly key: string }) => void>();

  async keys(): Promise<string[]> {
    return [...this.values.keys()];
  }

  async get(key: string): Promise<string | undefined> {
    return this.values.get(key);
  }

  async store(key: string, value: string): Promise<void> {
    this.values.set(key, value);
    this.#tell(key);
  }

  async delete(key: string): Promise<void> {
    if (this.values.delete(key)) this.#tell(key);
  }

  onDidChange(listener: (change: { readonly key: string }) => void): { dispose(): void } {
    this.#listeners.add(listener);
    return { dispose: () => void this.#listeners.delete(listener) };
  }

  #tell(key: string): void {
    for (const listener of [...this.#listeners]) listener({ key });
  }
}
