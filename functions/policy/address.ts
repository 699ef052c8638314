/** True for an address that may carry secrets: https anywhere, http only to the machine itself. */
export function isSafeAddress(address: string): boolean {
  return /^https:\/\/[^\s/?#@\\]+(?:[/?][^\s#\\]*)?$/.test(address) || isLoopbackAddress(address);
}

export function isLoopbackAddress(address: string): boolean {
  return /^http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?(?:[/?][^\s#\\@]*)?$/.test(address);
}
