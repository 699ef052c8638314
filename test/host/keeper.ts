// Runs one command and ends it, with everything it started, as soon as whoever started this goes away: its standard
// input is a pipe that nobody writes to, and its end is the sign. It leads a process group of its own for that.
import { spawn } from "node:child_process";

const [command, ...rest] = process.argv.slice(2);
if (command === undefined) throw new Error("keeper.ts needs a command");

const child = spawn(command, rest, { stdio: ["ignore", "inherit", "inherit"] });
let isEnding = false;

function end(): void {
  if (isEnding) return;
  isEnding = true;
  child.kill("SIGTERM");
  // The group has this process in it, so this is the last thing that happens.
  setTimeout(() => process.kill(-process.pid, "SIGKILL"), 2000);
}

process.stdin.on("end", end).on("error", end).resume();
process.on("SIGTERM", end);
process.on("SIGINT", end);
child.once("error", (error) => {
  console.error(error.message);
  process.exit(127);
});
child.once("exit", (code) => {
  process.exitCode = code ?? 1;
  // Whatever the command left behind in the group goes with it.
  process.removeAllListeners("SIGTERM");
  process.on("SIGTERM", () => undefined);
  process.kill(-process.pid, "SIGTERM");
  setTimeout(() => process.kill(-process.pid, "SIGKILL"), isEnding ? 300 : 0);
});
