// A stand-in for WeChat Pay's servers, which knows and checks what `wechatpay-axios-plugin` does: it
// verifies the signature of every request, signs every answer, and decrypts and encrypts with the SDK.
'use strict';

const { Formatter, Rsa, Aes, Hash } = require('wechatpay-axios-plugin');
const { serve, body, part, listen } = require('./common');

// { certificate, key, merchant: { id, serial, public_key }, platform: { serial, private_key, certificate },
//   stranger: a private key, api_v3_key }
let settings;
let misbehaviour; // What is wrong with the next answer.
const requests = [];
const nonces = new Set();
const orders = new Map();
let before; // The last honest answer.
const BILL = '交易时间,金额\r\n`2026-01-01 00:00:00,`1.00\r\n';

/** Why a request is not one of the merchant's; nothing if it is. */
function refusal({ method, url, headers }, text) {
  const { merchant, platform } = settings;
  const [scheme, fields] = (headers.authorization ?? '').split(/ (.*)/);
  if (scheme !== 'WECHATPAY2-SHA256-RSA2048') return 'scheme';
  const found = [...fields.matchAll(/(\w+)="([^"]*)"(?:,|$)/g)].map(([, name, value]) => [name, value]);
  const given = Object.fromEntries(found);
  if (found.length !== 5 || Object.keys(given).length !== 5) return 'fields of the authorization';
  const { mchid, serial_no: serial, timestamp, nonce_str: nonce, signature } = given;
  if (mchid !== merchant.id) return 'mchid';
  if (serial !== merchant.serial) return 'serial_no';
  if (Math.abs(Formatter.timestamp() - Number(timestamp)) > 300) return 'timestamp';
  if (!/^[0-9A-Za-z]{16,32}$/.test(nonce) || nonces.has(nonce)) return 'nonce_str';
  nonces.add(nonce);
  const message = Formatter.request(method, url, timestamp, nonce, text);
  if (!Rsa.verify(message, signature, merchant.public_key)) return 'signature';
  if (!(headers.accept ?? '').includes('application/json')) return 'accept';
  if (!headers['user-agent']) return 'user-agent';
  const named = headers['wechatpay-serial'];
  if (named !== undefined && named !== platform.serial) return 'wechatpay-serial';
  return undefined;
}

/** The platform's certificates, encrypted as it hands them out. */
function certificates() {
  const { api_v3_key: key, platform } = settings;
  const nonce = Formatter.nonce(12);
  const ciphertext = Aes.AesGcm.encrypt(platform.certificate, key, nonce, 'certificate');
  const algorithm = 'AEAD_AES_256_GCM';
  const encrypt_certificate = { algorithm, nonce, associated_data: 'certificate', ciphertext };
  const effective_time = '2026-01-01T00:00:00+08:00';
  const expire_time = '2036-01-01T00:00:00+08:00';
  return { data: [{ serial_no: platform.serial, effective_time, expire_time, encrypt_certificate }] };
}

/** `[status, body]`; a body is an object, or nothing. */
function answer({ method, url }, text) {
  const { pathname: path, searchParams: query } = new URL(url, 'https://localhost');
  const order = /^\/v3\/pay\/transactions\/out-trade-no\/([^/]+)(\/close)?$/.exec(path);
  if (method === 'GET' && path === '/v3/certificates') return [200, certificates()];
  if (method === 'POST' && path === '/v3/pay/transactions/jsapi') {
    const { out_trade_no: number, amount, mchid } = JSON.parse(text);
    if (mchid !== settings.merchant.id) return [400, { code: 'PARAM_ERROR', message: 'mchid' }];
    orders.set(number, { out_trade_no: number, amount, trade_state: 'NOTPAY', mchid });
    return [200, { prepay_id: `wx${number}` }];
  }
  if (method === 'POST' && path === '/v3/sandbox/fields') {
    // A name for WeChat Pay's eyes alone, and back for the merchant's.
    const { payer, ...rest } = JSON.parse(text);
    const name = Rsa.decrypt(payer.name, settings.platform.private_key);
    return [200, { ...rest, payer: { ...payer, name: Rsa.encrypt(name, settings.merchant.public_key) } }];
  }
  if (method === 'GET' && path === '/v3/bill/tradebill') {
    const download_url = 'https://api.mch.weixin.qq.com/v3/billdownload/file?token=T1';
    return [200, { hash_type: 'SHA1', hash_value: Hash.sha1(BILL), download_url }];
  }
  const known = order && orders.get(decodeURIComponent(order[1]));
  if (order && !known) return [404, { code: 'ORDER_NOT_EXIST', message: 'no such order' }];
  if (order?.[2] && method === 'POST') {
    known.trade_state = 'CLOSED';
    return [204, undefined];
  }
  if (order && method === 'GET' && query.get('mchid') === settings.merchant.id) return [200, known];
  return [404, { code: 'NOT_FOUND', message: 'no such thing' }];
}

/** Another text of the same length. */
const changed = (text) => text.replace(/\d/, (digit) => (digit === '9' ? '8' : '9'));

/** The headers that sign an answer, and its body, as honest as was asked. */
function signed(text) {
  const { platform } = settings;
  const wrong = misbehaviour;
  misbehaviour = undefined;
  const timestamp = Formatter.timestamp() - (wrong === 'an old timestamp' ? 301 : 0);
  const nonce = Formatter.nonce();
  const key = wrong === "another's key" ? settings.stranger : platform.private_key;
  let signature = Rsa.sign(Formatter.response(timestamp, nonce, text), key);
  if (wrong === 'a probe') signature = `WECHATPAY/SIGNTEST/${signature}`;
  const headers = {
    'Content-Type': 'application/json; charset=utf-8',
    'Request-ID': Formatter.nonce(),
    'Wechatpay-Timestamp': `${timestamp}`,
    'Wechatpay-Nonce': nonce,
    'Wechatpay-Serial': wrong === 'an unknown serial' ? `${platform.serial}00` : platform.serial,
    'Wechatpay-Signature-Type': 'WECHATPAY2-SHA256-RSA2048',
    'Wechatpay-Signature': signature,
  };
  if (wrong === 'an answer of before') return before;
  if (wrong === 'no signature') delete headers['Wechatpay-Signature'];
  if (wrong === 'a repeated signature') headers['Wechatpay-Signature'] = [signature, signature];
  if (!wrong) before = [headers, text];
  return [headers, wrong === 'a changed body' ? changed(text) : text];
}

serve({
  listen: (wanted) => {
    settings = wanted;
    return listen(wanted, async (request, reply) => {
      const bytes = await body(request);
      const text = bytes.toString();
      const { method, url, headers, httpVersion } = request;
      // Of an upload only what describes it is signed, and that has the digest of the file.
      const uploads = url.endsWith('/upload');
      const file = uploads ? await part(request, bytes, 'file') : undefined;
      const meta = uploads ? (await part(request, bytes, 'meta')).toString() : undefined;
      let refused = refusal(request, meta ?? text);
      if (uploads && JSON.parse(meta).sha256 !== Hash.sha256(file)) refused ??= 'sha256';
      requests.push({ method, url, headers, httpVersion, body: text, refused: refused ?? null });
      if (!refused && url.startsWith('/v3/billdownload/file?')) {
        // Files are not signed.
        const file = misbehaviour ? changed(BILL) : BILL;
        misbehaviour = undefined;
        reply.writeHead(200, { 'Content-Type': 'application/x-csv' }).end(file);
        return;
      }
      const [status, content] = refused
        ? [401, { code: 'SIGN_ERROR', message: refused }]
        : uploads
          ? [200, { media_id: `${JSON.parse(meta).filename}-${file.length}` }]
          : answer(request, text);
      const [signing, sent] = signed(content ? JSON.stringify(content) : '');
      reply.writeHead(status, signing).end(sent);
    });
  },
  /** What was received since this was asked last, and what was wrong with it. */
  requests: () => requests.splice(0),
  misbehave: ({ how }) => { misbehaviour = how; },
});
