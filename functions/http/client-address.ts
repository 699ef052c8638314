/**
 * Who is asking, for counting requests by address. A proxy in front, which is on this machine or in a private network,
 * says it in the last entry of `X-Forwarded-For`; from anywhere else that header is anybody's text and is not believed.
 */
export function clientAddress(peer: string | undefined, forwardedFor: string | undefined): string {
  const address = peer?.replace(/^::ffff:/, "") ?? "unknown";
  const last = forwardedFor?.split(",").at(-1)?.trim();
  return last !== undefined && /^[0-9a-fA-F.:]{2,45}$/.test(last) && isNear(address) ? last : address;
}

function isNear(address: string): boolean {
  return (
    /^(?:127|10)\./.test(address) ||
    address.startsWith("192.168.") ||
    /^172\.(?:1[6-9]|2\d|3[01])\./.test(address) ||
    address === "::1" ||
    /^f[cd]/i.test(address)
  );
}
