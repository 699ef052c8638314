/** As the editor keeps it for all windows of this machine, without synchronizing it: no secret may be put there. */
export interface Memory {
  get(key: string): unknown;
  update(key: string, value: string): PromiseLike<void>;
}
