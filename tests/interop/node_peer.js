// Node in either role: `node node_peer.js client|server PORT OPTIONS`, where OPTIONS are those of node:tls in JSON,
// with "files" for options that are read from files.

"use strict";

const fs = require("node:fs");
const tls = require("node:tls");

const [role, port, json] = process.argv.slice(2);
const { files, ...options } = JSON.parse(json);
for (const [name, path] of Object.entries(files)) {
  options[name] = fs.readFileSync(path);
}

function tell(facts) {
  process.stdout.write(JSON.stringify(facts) + "\n");
}

function client() {
  const socket = tls.connect({ host: "127.0.0.1", port, ...options });
  let echoed = "";
  let failed = false;
  socket.on("secureConnect", () => socket.end("hello\n"));
  socket.on("data", (data) => (echoed += data));
  socket.on("error", (error) => {
    failed = true;
    tell({ error: error.code });
  });
  socket.on("end", () => {
    if (failed) return;
    tell({
      echoed,
      suite: socket.getCipher().standardName,
      version: socket.getProtocol(),
      alpn: socket.alpnProtocol || null,
      authorized: socket.authorized,
      exported: socket.exportKeyingMaterial(40, "EXPORTER-suitor-interop").toString("hex"),
    });
  });
}

function server() {
  const listener = tls.createServer(options, (socket) => {
    socket.on("error", (error) => tell({ error: error.code }));
    socket.pipe(socket);
  });
  listener.on("tlsClientError", (error) => tell({ error: error.code }));
  listener.listen(port, "127.0.0.1", () => tell({ listening: true }));
}

({ client, server })[role]();
