// A stand-in for Alipay's servers, which knows and checks what `alipay-sdk` does: it verifies the signature
// of every request of both protocols, decrypts and encrypts with the SDK, and signs every answer.
'use strict';

const { randomBytes } = require('node:crypto');
const {
  AlipaySdk, signatureV3, verifySignatureV3, aesEncryptText, aesDecryptText, getSN,
} = require('./alipay_sdk');
const { serve, body, part, listen } = require('./common');

// { certificate, key, app: { id, public_key, certificate }, alipay: { private_key, certificate, root },
//   stranger: a private key, aes_key }; `certificate` and `key` for TLS, the others in certificate mode.
let settings;
let serials; // Of the app's certificate, Alipay's and its root; none with bare keys.
let judge;
let misbehaviour; // What is wrong with the next answer.
const requests = [];
const nonces = new Set();
const trades = new Map();
let before; // The last honest answer of the second protocol.

/** Another text of the same length. */
const changed = (text) => text.replace(/\d/, (digit) => (digit === '7' ? '8' : '7'));

/** The business of both protocols: what is asked, and `[status, content]`. */
function business(what, asked) {
  const known = trades.get(asked.out_trade_no);
  switch (what) {
    case 'create':
      trades.set(asked.out_trade_no, { ...asked, trade_status: 'WAIT_BUYER_PAY' });
      return [200, { out_trade_no: asked.out_trade_no, trade_no: `2026${asked.out_trade_no}`, note: 'a/b 中' }];
    case 'query':
      return known
        ? [200, { out_trade_no: asked.out_trade_no, trade_status: known.trade_status }]
        : [400, { code: 'ACQ.TRADE_NOT_EXIST', message: '交易不存在' }];
    default:
      return [400, { code: 'isv.invalid-method', message: 'no such method' }];
  }
}

// --- The first protocol -------------------------------------------------------------------------------------

/** Why a request of the first protocol is not the app's; nothing if it is. */
function refusalV2(query, form) {
  const { sign, ...signed } = { ...form, ...query };
  if (Object.keys(query).some((name) => name in form)) return 'a parameter in both places';
  if (query.app_id !== settings.app.id) return 'app_id';
  if (query.sign_type !== 'RSA2') return 'sign_type';
  if (query.charset !== 'utf-8') return 'charset';
  if (query.version !== '1.0') return 'version';
  if (query.app_cert_sn !== serials.app) return 'app_cert_sn';
  if (query.alipay_root_cert_sn !== serials.root) return 'alipay_root_cert_sn';
  const age = Date.now() - Date.parse(`${query.timestamp?.replace(' ', 'T')}+08:00`);
  if (!(Math.abs(age) < 60_000)) return 'timestamp';
  if (!sign || !judge.notifyRSACheck(signed, sign, 'RSA2', true)) return 'sign';
  return undefined;
}

/** The body of an answer of the first protocol, signed as honestly as was asked. */
function answerV2(query, form) {
  const { alipay, stranger, aes_key: secret } = settings;
  const refused = refusalV2(query, form);
  const encrypted = form.encrypt_type === 'AES';
  const text = encrypted ? aesDecryptText(form.biz_content, secret) : form.biz_content;
  const what = query.method?.replace('alipay.trade.', '');
  const [status, content] = refused ? [400] : business(what, JSON.parse(text));
  const outcome = refused
    ? { code: '40002', msg: 'Invalid Arguments', sub_code: `isv.invalid-${refused}` }
    : status === 200
      ? { code: '10000', msg: 'Success', ...content }
      : { code: '40004', msg: 'Business Failed', sub_code: content.code, sub_msg: content.message };
  // As the service does, with a solidus that is escaped.
  let slice = JSON.stringify(outcome).replaceAll('/', '\\/');
  if (encrypted && !refused) slice = JSON.stringify(aesEncryptText(slice, secret));
  const wrong = misbehaviour;
  misbehaviour = undefined;
  const sign = signatureV3(slice, wrong === "another's key" ? stranger : alipay.private_key);
  const sent = wrong === 'a changed body' ? changed(slice) : slice;
  const name = `${query.method?.replaceAll('.', '_')}_response`;
  const serial = serials.alipay;
  const shown = wrong === 'an unknown serial' ? 'ffffffffffffffffffffffffffffffff' : serial;
  const members = [`"${name}":${sent}`];
  if (shown) members.push(`"alipay_cert_sn":"${shown}"`);
  if (wrong !== 'no signature') members.push(`"sign":"${sign}"`);
  return [refused, `{${members.join(',')}}`];
}

// --- The second protocol ------------------------------------------------------------------------------------

/** Why a request of the second protocol is not the app's; nothing if it is. */
function refusalV3({ method, url, headers }, text) {
  const parts = /^ALIPAY-SHA256withRSA (.*?),sign=(.*)$/.exec(headers.authorization ?? '');
  if (!parts) return 'scheme';
  const [, authorization, sign] = parts;
  const given = Object.fromEntries(authorization.split(',').map((pair) => pair.split(/=(.*)/).slice(0, 2)));
  if (given.app_id !== settings.app.id) return 'app_id';
  if (given.app_cert_sn !== serials.app) return 'app_cert_sn';
  if (headers['alipay-root-cert-sn'] !== serials.root) return 'alipay-root-cert-sn';
  if (!given.nonce || nonces.has(given.nonce)) return 'nonce';
  nonces.add(given.nonce);
  if (!/^\d{13}$/.test(given.timestamp) || Math.abs(Date.now() - given.timestamp) > 60_000) return 'timestamp';
  const token = headers['alipay-app-auth-token'];
  const message = `${authorization}\n${method}\n${url}\n${text}\n${token ? `${token}\n` : ''}`;
  if (!verifySignatureV3(message, sign, settings.app.public_key)) return 'sign';
  if (!headers['alipay-request-id']) return 'alipay-request-id';
  return undefined;
}

/** `[refused, status, headers, body]` of the second protocol. */
function answerV3(request, text, file) {
  const { alipay, stranger, aes_key: secret } = settings;
  const { pathname: path, searchParams } = new URL(request.url, 'https://localhost');
  const encrypted = request.headers['alipay-encrypt-type'] === 'AES';
  const refused = refusalV3(request, text);
  const asked = () => {
    if (request.method === 'GET') return Object.fromEntries(searchParams);
    return JSON.parse(encrypted ? aesDecryptText(text, secret) : text);
  };
  const what = path.replace('/v3/alipay/trade/', '');
  const [status, content] = refused
    ? [401, { code: `invalid-${refused}`, message: refused }]
    : file
      ? [200, { file_id: `${asked().biz_code}-${file.length}` }]
      : business(what, asked());
  let plain = JSON.stringify(content);
  if (encrypted && status === 200) plain = aesEncryptText(plain, secret);
  const wrong = misbehaviour;
  misbehaviour = undefined;
  const timestamp = `${Date.now() - (wrong === 'an old timestamp' ? 3_600_000 : 0)}`;
  const nonce = randomBytes(16).toString('hex');
  const key = wrong === "another's key" ? stranger : alipay.private_key;
  const serial = serials.alipay;
  const headers = {
    'content-type': encrypted ? 'text/plain' : 'application/json',
    'alipay-timestamp': timestamp,
    'alipay-nonce': nonce,
    'alipay-signature': signatureV3(`${timestamp}\n${nonce}\n${plain}\n`, key),
  };
  if (serial) headers['alipay-sn'] = serial;
  if (wrong === 'an unknown serial') headers['alipay-sn'] = 'ffffffffffffffffffffffffffffffff';
  if (wrong === 'no signature') delete headers['alipay-signature'];
  const sent = wrong === 'a changed body' ? changed(plain) : plain;
  if (wrong === 'an answer of before') return before;
  if (!wrong) before = [refused, status, headers, sent];
  return [refused, status, headers, sent];
}

serve({
  listen: (wanted) => {
    settings = wanted;
    const { app, alipay } = settings;
    serials = app.certificate
      ? { app: getSN(app.certificate), alipay: getSN(alipay.certificate), root: getSN(alipay.root, true) }
      : {};
    const { id: appId, public_key: alipayPublicKey } = app;
    // Whose public key is the app's judges what the app signed.
    judge = new AlipaySdk({ appId, privateKey: alipay.private_key, keyType: 'PKCS8', alipayPublicKey });
    return listen(settings, async (request, reply) => {
      const bytes = await body(request);
      // Of a form with files only the part `data` is signed.
      const uploads = (request.headers['content-type'] ?? '').startsWith('multipart/form-data');
      const file = uploads ? await part(request, bytes, 'file') : undefined;
      const text = uploads ? (await part(request, bytes, 'data')).toString() : bytes.toString();
      const { method, url, headers } = request;
      const { pathname: path, searchParams } = new URL(url, 'https://localhost');
      let [refused, status, answered, sent] = [];
      if (path === '/gateway.do') {
        const form = Object.fromEntries(new URLSearchParams(text));
        [refused, sent] = answerV2(Object.fromEntries(searchParams), form);
        [status, answered] = [200, { 'content-type': 'text/html;charset=utf-8' }];
      } else {
        [refused, status, answered, sent] = answerV3(request, text, file);
      }
      requests.push({ method, url, headers, body: text, refused: refused ?? null });
      reply.writeHead(status, answered).end(sent);
    });
  },
  /** What was received since this was asked last, and what was wrong with it. */
  requests: () => requests.splice(0),
  misbehave: ({ how }) => { misbehaviour = how; },
});
