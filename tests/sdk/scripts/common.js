// A script is asked by lines of JSON on its standard input, `{ id, action, input }`, and answers each
// with a line on its standard output, `{ id, value }` or `{ id, error }`. It ends when its input ends.
'use strict';

const readline = require('node:readline');

exports.serve = function serve(actions, describe = (error) => ({ message: error.message })) {
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', async (line) => {
    const { id, action, input } = JSON.parse(line);
    let answer;
    try {
      answer = { id, value: (await actions[action](input)) ?? null };
    } catch (error) {
      answer = { id, error: { name: error.name, ...describe(error) } };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
  lines.on('close', () => process.exit(0));
};

/** The bytes of a message, whole. */
exports.body = async function body(message) {
  const pieces = [];
  for await (const piece of message) pieces.push(piece);
  return Buffer.concat(pieces);
};

/** What a part of an uploaded form holds, or nothing. */
exports.part = async function part({ headers }, bytes, name) {
  const form = await new Response(bytes, { headers: { 'content-type': headers['content-type'] } }).formData();
  const value = form.get(name);
  return value === null || typeof value === 'string' ? value : Buffer.from(await value.arrayBuffer());
};

/** Listens on a free port of this machine; over TLS if there is a certificate. */
exports.listen = async function listen({ certificate: cert, key }, handler) {
  const server = cert
    ? require('node:https').createServer({ cert, key }, handler)
    : require('node:http').createServer(handler);
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return server.address().port;
};
