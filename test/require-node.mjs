// Runs on whatever Node the machine has, so it must stay plain JavaScript.
const wanted = 24;
if (Number(process.versions.node.split(".")[0]) !== wanted) {
  console.error(
    `This needs Node ${wanted}, which comes with the project, but Node ${process.versions.node} is running: ` +
      "run it through npm (npm run …), and if it still says so, `npm rebuild node --ignore-scripts=false`.",
  );
  process.exit(1);
}
