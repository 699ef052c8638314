export const Mine = async () => ({});
