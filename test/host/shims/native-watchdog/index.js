// Stands in for the compiled module, so that nothing has to be built. The extension host asks it to end the host with
// its parent; here the host also ends when its socket to the server closes.
exports.start = () => undefined;
exports.exit = (code) => process.exit(code);
