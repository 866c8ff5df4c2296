// Runs functions of the explorer's modules for explorer_node.py: one line of JSON in, one out.
// A line is a list of steps {fn, args}; "$0" among the arguments is the result of step 0, and so on.
import { createInterface } from "node:readline";

const known = {};
for (const entry of process.argv.slice(2)) Object.assign(known, await import(entry));

const encoded = (numbers) => Buffer.from(Float64Array.from(numbers).buffer).toString("base64");

// every number leaves as the bytes of a float64, so that NaN, infinities and -0 survive
function leaving(value) {
  if (typeof value === "number") return { number: encoded([value]) };
  if (ArrayBuffer.isView(value)) return { list: encoded(value) };
  if (Array.isArray(value)) return value.map(leaving);
  if (value === null || typeof value !== "object") return value ?? null;
  const parts = Object.entries(value).filter(([, part]) => typeof part !== "function");
  return { dict: Object.fromEntries(parts.map(([key, part]) => [key, leaving(part)])) };
}

function arriving(value, done) {
  if (typeof value === "string" && /^\$\d+$/.test(value)) return done[Number(value.slice(1))];
  if (Array.isArray(value)) return value.map((part) => arriving(part, done));
  if (value === null || typeof value !== "object") return value;
  if ("list" in value) {
    return new Float64Array(new Uint8Array(Buffer.from(value.list, "base64")).buffer);
  }
  if ("number" in value) return Number(value.number);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, arriving(part, done)]));
}

function run(steps) {
  const done = [];
  try {
    for (const { fn, args } of steps) {
      done.push(typeof known[fn] === "function" ? known[fn](...arriving(args, done)) : known[fn]);
    }
    return { done: done.map(leaving) };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(run(JSON.parse(line)))}\n`);
}
