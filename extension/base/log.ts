/** What the extension writes for whoever looks for a fault. No secret, session token or e-mail is ever passed in. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
