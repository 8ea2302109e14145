// `wechatpay-axios-plugin`: WeChat Pay as the sender of notifications, and a merchant that calls it.
'use strict';

const https = require('node:https');
const { Wechatpay, Formatter, Rsa, Aes, Hash, Multipart } = require('wechatpay-axios-plugin');
const { serve } = require('./common');

let merchant;

/** An upload as the SDK writes it. */
const form = ({ filename, text }) => {
  const meta = JSON.stringify({ filename, sha256: Hash.sha256(text) });
  return new Multipart().append('meta', meta, 'meta.json').append('file', Buffer.from(text), filename);
};

serve(
  {
    /** The SDK calls `base`, as this merchant; `platform` are the platform's keys by serial. */
    connect: ({ base, trust, merchant_id: mchid, serial, private_key: privateKey, platform: certs }) => {
      const httpsAgent = new https.Agent({ ca: trust });
      merchant = new Wechatpay({ mchid, serial, privateKey, certs, baseURL: base, httpsAgent });
    },
    call: async ({ method, path, query, body }) => {
      const config = { params: query };
      const { data, status, headers } = await (method === 'GET'
        ? merchant.client.request(path, method, undefined, config)
        : merchant.client.request(path, method, body, config));
      return { status, headers: { ...headers }, body: data };
    },
    upload: async ({ path, file }) => {
      const made = form(file);
      const config = { meta: made.toJSON(), headers: made.getHeaders() };
      const { data, status } = await merchant.client.request(path, 'POST', made.getBuffer(), config);
      return { status, body: data };
    },
    /** The same upload for others to send. */
    form: (file) => {
      const made = form(file);
      return { type: new Headers(made.getHeaders()).get('content-type'), body: made.getBuffer().toString() };
    },
    /** A notification: its body, with `resource` encrypted under the APIv3 key. */
    notification: ({ id, event_type, resource, original_type, api_v3_key, associated_data }) => {
      const nonce = Formatter.nonce(12);
      const ciphertext = Aes.AesGcm.encrypt(resource, api_v3_key, nonce, associated_data);
      const algorithm = 'AEAD_AES_256_GCM';
      return JSON.stringify({
        id,
        create_time: new Date().toISOString().replace(/\.\d+Z/, '+00:00'),
        resource_type: 'encrypt-resource',
        event_type,
        summary: 'payment succeeded',
        resource: { original_type, algorithm, ciphertext, associated_data, nonce },
      });
    },
    /** What a notification says, and whether the platform signed it. */
    read: ({ timestamp, nonce, signature, body, certificate, api_v3_key }) => {
      const { resource } = JSON.parse(body);
      return {
        verified: Rsa.verify(Formatter.response(timestamp, nonce, body), signature, certificate),
        resource: Aes.AesGcm.decrypt(
          resource.ciphertext, api_v3_key, resource.nonce, resource.associated_data,
        ),
      };
    },
    /** The headers with which the platform signs this body; at another time if `timestamp` says so. */
    sign: ({ body, serial, private_key, timestamp = Formatter.timestamp() }) => {
      const nonce = Formatter.nonce();
      return {
        'Wechatpay-Timestamp': `${timestamp}`,
        'Wechatpay-Nonce': nonce,
        'Wechatpay-Serial': serial,
        'Wechatpay-Signature-Type': 'WECHATPAY2-SHA256-RSA2048',
        'Wechatpay-Signature': Rsa.sign(Formatter.response(timestamp, nonce, body), private_key),
      };
    },
  },
  ({ code, message, response }) => ({
    code, message, status: response?.status, body: response?.data, headers: { ...response?.headers },
  }),
);
