// Stands in for the compiled logger, so that nothing has to be built: VS Code's log files and Output panels come from
// here. Names are assigned to `exports` one by one because VS Code loads this with import(), which reads them so.
const { appendFileSync, mkdirSync } = require("node:fs");
const { dirname } = require("node:path");

const levelNames = ["trace", "debug", "info", "warning", "error", "critical"];
const stamp = () => new Date().toISOString().replace("T", " ").replace("Z", "");

class Logger {
  constructor(_name, file) {
    this.file = file;
    this.level = 2;
    this.withStamp = true;
    mkdirSync(dirname(file), { recursive: true });
  }
  write(level, message) {
    if (level < this.level) return;
    appendFileSync(this.file, this.withStamp ? `${stamp()} [${levelNames[level]}] ${message}\n` : message);
  }
  trace(message) {
    this.write(0, message);
  }
  debug(message) {
    this.write(1, message);
  }
  info(message) {
    this.write(2, message);
  }
  warn(message) {
    this.write(3, message);
  }
  error(message) {
    this.write(4, message);
  }
  critical(message) {
    this.write(5, message);
  }
  getLevel() {
    return this.level;
  }
  setLevel(level) {
    this.level = level;
  }
  setPattern() {}
  clearFormatters() {
    this.withStamp = false;
  }
  flush() {}
  drop() {}
}

const create = async (name, file) => new Logger(name, file);

exports.version = 0;
exports.Logger = Logger;
exports.setLevel = () => undefined;
exports.setFlushOn = () => undefined;
exports.shutdown = () => undefined;
exports.createRotatingLogger = create;
exports.createAsyncRotatingLogger = create;
exports.createRotatingLoggerSync = (name, file) => new Logger(name, file);
