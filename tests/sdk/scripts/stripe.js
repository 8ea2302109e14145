// `stripe`: an application of the institution that calls Stripe, and Stripe as the signer of events.
'use strict';

const Stripe = require('stripe');
const { serve } = require('./common');

let stripe = new Stripe('sk_test_unused');

serve(
  {
    /** The SDK calls what listens at this port, as if it were Stripe. */
    connect: ({ port, key, retries }) => {
      const to = { host: '127.0.0.1', port, protocol: 'http' };
      stripe = new Stripe(key, { ...to, maxNetworkRetries: retries, telemetry: false });
    },
    /** `{ on: 'paymentIntents', method: 'create', with: […] }` */
    call: async ({ on, method, with: values }) => {
      const result = await stripe[on][method](...values);
      const { statusCode, headers } = result.lastResponse;
      return { result: { ...result }, status: statusCode, headers };
    },
    /** The value of `Stripe-Signature` for an event. */
    sign: ({ payload, secret, timestamp }) =>
      stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp }),
    /** What an application does with an event: the SDK throws if it does not like the signature. */
    verify: ({ payload, header, secret }) => stripe.webhooks.constructEvent(payload, header, secret),
  },
  ({ type, code, message, statusCode, headers, requestId }) => ({
    type, code, message, status: statusCode, headers, requestId,
  }),
);
