// `alipay-sdk`, and those of its functions that it uses but does not export by name.
'use strict';

const { dirname, join } = require('node:path');

const inside = dirname(require.resolve('alipay-sdk'));
const { signatureV3, verifySignatureV3, aesEncryptText, aesDecryptText } = require(join(inside, 'util.js'));
const { getSN } = require(join(inside, 'antcertutil.js'));

module.exports = {
  ...require('alipay-sdk'),
  signatureV3,
  verifySignatureV3,
  aesEncryptText,
  aesDecryptText,
  getSN,
};
