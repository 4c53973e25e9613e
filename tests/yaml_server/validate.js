// What the YAML language server says of files: validate.js SCHEMA FILE... prints {FILE: [{line, message}]}.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { createRequire } = require("node:module");

const [modules, schemaFile, ...files] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(modules), "x.js"));
const { getLanguageService } = load("yaml-language-server");
const { TextDocument } = load("vscode-languageserver-textdocument");

const quiet = { log() {}, warn() {}, error() {}, info() {} };
const schema = JSON.parse(fs.readFileSync(schemaFile, "utf8"));
const uri = pathToFileURL(path.resolve(schemaFile)).toString();
const service = getLanguageService({
  schemaRequestService: (asked) => Promise.reject(new Error(`${asked} is asked of the network`)),
  workspaceContext: { resolveRelativePath: (relative) => relative },
  connection: { console: quiet, telemetry: { sendError() {}, send() {} }, onRequest() {}, workspace: {}, window: {} },
  telemetry: { sendError() {}, send() {}, sendTrack() {} },
});
service.configure({
  validate: true,
  hover: true,
  completion: true,
  customTags: ["!vault scalar", "!vault-encrypted scalar"],
  schemas: [{ uri, fileMatch: ["*.yml"], schema }],
  yamlVersion: "1.2",
});

(async () => {
  const found = {};
  for (const file of files) {
    const text = fs.readFileSync(file, "utf8");
    const document = TextDocument.create(pathToFileURL(path.resolve(file)).toString(), "yaml", 1, text);
    const problems = await service.doValidation(document, false);
    found[file] = problems.map((p) => ({ line: p.range.start.line + 1, message: p.message }));
  }
  process.stdout.write(JSON.stringify(found));
})().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
