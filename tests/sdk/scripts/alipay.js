// `alipay-sdk`: Alipay as the sender of notifications, and a merchant that calls it.
'use strict';

const { Readable } = require('node:stream');
const {
  AlipaySdk, AlipayFormData, AlipayFormStream, signatureV3, verifySignatureV3,
} = require('./alipay_sdk');
const { serve, body } = require('./common');

let merchant;

/** A form as it is sent. */
const encode = (form) => new URLSearchParams(form).toString();

const notification = ({ form, private_key, keep_sign_type = false }) => {
  const signed = Object.entries(form).filter(([name]) => keep_sign_type || name !== 'sign_type');
  const message = signed.sort(([a], [b]) => (a < b ? -1 : 1)).map((pair) => pair.join('=')).join('&');
  return { ...form, sign: signatureV3(message, private_key) };
};

serve(
  {
    /** The settings of the SDK; `gateway` and `endpoint` say whom it calls. */
    connect: (settings) => { merchant = new AlipaySdk({ keyType: 'PKCS8', camelcase: false, ...settings }); },
    /** A call of the first protocol, `gateway.do`. */
    exec: ({ method, params, validate = true }) =>
      merchant.exec(method, params, { validateSign: validate }),
    /** A call of the second protocol, REST. */
    curl: async ({ method, path, options }) => {
      const { data, responseHttpStatus: status } = await merchant.curl(method, path, options);
      return { status, data };
    },
    /** A call of the second protocol with a file. */
    upload: async ({ path, data, file: { name, text } }) => {
      const form = new AlipayFormData();
      form.addFile('file', name, Buffer.from(text));
      const { data: told, responseHttpStatus: status } = await merchant.curl('POST', path, { form, body: data });
      return { status, data: told };
    },
    /** The same form for others to send. */
    form: async ({ data, file: { name, text } }) => {
      const form = new AlipayFormStream();
      form.field('data', JSON.stringify(data), 'application/json').buffer('file', Buffer.from(text), name);
      const type = form.headers()['Content-Type'];
      return { type, body: (await body(new Readable().wrap(form))).toString() };
    },
    /** A form as Alipay signs it, without `sign_type` unless told to keep it; and as it is sent. */
    notification: (wanted) => {
      const form = notification(wanted);
      return { form, body: encode(form) };
    },
    encode: ({ form }) => encode(form),
    decode: ({ body: text }) => Object.fromEntries(new URLSearchParams(text)),
    /** What an app hands to Alipay's own, as the SDK signs it. */
    order: ({ method, content }) => merchant.sdkExec(method, { bizContent: content }),
    /** What the SDK says of a form that the app signed. */
    signed_by_app: ({ form: { sign, ...signed }, public_key: alipayPublicKey }) => {
      const judge = new AlipaySdk({ ...merchant.config, alipayPublicKey });
      return judge.notifyRSACheck(signed, sign, 'RSA2', true);
    },
    /** What the SDK says of a notification. */
    check: ({ form }) => merchant.checkNotifySignV2(form),
    /** What the SDK says of a signed text. */
    verify: ({ text, signature, public_key }) => verifySignatureV3(text, signature, public_key),
  },
  ({ code, message, responseHttpStatus: status }) => ({ code, message, status }),
);
