/** The file beside the helper that stands for the person's consent to a copy of the key in the system's keychain. */
export const markName = "keychain";
