import { spawn } from "node:child_process";
import { Socket } from "node:net";

// Reads which process to end, a line each time it changes. The end of the input is the end of the test run, whatever
// ended it; SIGQUIT is PostgreSQL's immediate shutdown. Waits up to five seconds, so that nothing is written anew.
const script = `
while read -r line; do pid=$line; done
if [ -n "$pid" ] && [ "$pid" != none ]; then
  kill -QUIT "$pid"
  tries=0
  while kill -0 "$pid" && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
fi
rm -rf "$1"
`;

/** Waits beside this process and clears up after it when it was killed. */
export interface Follower {
  /** Which process to end; undefined: none at the moment. */
  follow(pid: number | undefined): void;
  /** Ends what is followed, if anything, and removes the folder; resolves when that is done. */
  finish(): Promise<void>;
}

/** Starts a shell that ends the followed process and removes `folder` as soon as this process ends, also by SIGKILL. */
export function endWithParent(folder: string): Follower {
  const shell = spawn("/bin/sh", ["-c", script, "sh", folder], {
    cwd: "/",
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  const ended = new Promise<void>((resolve, reject) => shell.once("exit", () => resolve()).once("error", reject));
  // Without the shell there is nothing to tell; the server still stops in order.
  shell.stdin.on("error", () => {});
  shell.unref();
  if (shell.stdin instanceof Socket) shell.stdin.unref();

  return {
    follow: (pid) => {
      shell.stdin.write(`${pid ?? "none"}\n`);
    },
    finish: () => {
      shell.ref();
      shell.stdin.end();
      return ended;
    },
  };
}
