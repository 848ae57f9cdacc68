// Reads an AsyncAPI document on standard input with its reference parser and prints what is wrong with it, as JSON.
// node check.mjs <folder of the installed modules>; ends with 1 when the document is not valid.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [, , modules] = process.argv;
const { Parser } = createRequire(`${modules}/`)('@asyncapi/parser');
const ERROR = 0;

const { document, diagnostics } = await new Parser().parse(readFileSync(0, 'utf8'));
const found = diagnostics.map(({ code, message, path, severity }) => ({ code, message, path: path.join('.'), severity }));
console.log(JSON.stringify(found));
process.exitCode = document === undefined || found.some((one) => one.severity === ERROR) ? 1 : 0;
