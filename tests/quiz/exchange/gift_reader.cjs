// Reads GIFT from standard input with gift-pegjs, a parser that is none of ours, and writes JSON.
const { parse } = require("gift-pegjs");

const chunks = [];
process.stdin.on("data", (chunk) => chunks.push(chunk));
process.stdin.on("end", () => {
  process.stdout.write(JSON.stringify(parse(Buffer.concat(chunks).toString("utf8"))));
});
