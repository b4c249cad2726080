// Holds KQL against Microsoft's own parser. Reads {"tables": {name: {column: type}}, "externalTables": the same,
// "queries": {name: text}} from standard input, and writes {"diagnostics": {name: [text, ...]},
// "texts": {name: [value, ...]}} to standard output; "texts" are the values of string literals as the parser reads them.
const fs = require("fs");
const path = require("path");
const vm = require("vm");

const room = path.dirname(require.resolve("@kusto/language-service-next/package.json"));
for (const file of ["bridge.min.js", "Kusto.Language.Bridge.min.js"]) {
  vm.runInThisContext(fs.readFileSync(path.join(room, file), "utf8"), { filename: file });
}

const { GlobalState, KustoCode, Symbols, Syntax } = Kusto.Language;
const { tables, externalTables, queries } = JSON.parse(fs.readFileSync(0, "utf8"));

function schemaOf(columns) {
  return "(" + Object.entries(columns).map(([name, type]) => `['${name}']: ${type}`).join(", ") + ")";
}

const symbols = [
  ...Object.entries(tables).map(([name, columns]) => Symbols.TableSymbol.From(schemaOf(columns)).WithName(name)),
  ...Object.entries(externalTables).map(
    ([name, columns]) => new Symbols.ExternalTableSymbol.$ctor4(name, schemaOf(columns), ""),
  ),
];
const database = new Symbols.DatabaseSymbol.ctor("Logs", symbols);
const globals = GlobalState.Default.WithDatabase(database);

function describe(text, found) {
  const line = text.slice(0, found.Start).split("\n").length;
  return `${line}: ${found.Severity}: ${found.Message} (${text.substr(found.Start, Math.min(found.Length, 60))})`;
}

function list(items) {
  const all = [];
  for (let i = 0; i < items.Count; i++) all.push(items.getItem(i));
  return all;
}

const diagnostics = {};
const texts = {};
for (const [name, text] of Object.entries(queries)) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  diagnostics[name] = list(code.GetDiagnostics()).map((found) => describe(text, found));
  texts[name] = [];
  Syntax.SyntaxElement.WalkNodes(code.Syntax, (node) => {
    if (node.Kind === Syntax.SyntaxKind.StringLiteralExpression) texts[name].push(node.LiteralValue);
  });
}
process.stdout.write(JSON.stringify({ diagnostics, texts }));
