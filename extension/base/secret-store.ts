import type { Disposable } from "./emitter.ts";

/**
 * Named texts in the editor's secret storage, which several windows share. The editor's own `SecretStorage` has
 * this shape. Names are not secret and may be logged; values never are.
 */
export interface SecretStore {
  keys(): PromiseLike<string[]>;
  get(key: string): PromiseLike<string | undefined>;
  store(key: string, value: string): PromiseLike<void>;
  delete(key: string): PromiseLike<void>;
  /** Also fires for what another window stored or deleted. */
  onDidChange(listener: (change: { readonly key: string }) => void): Disposable;
}
