/** The RabbitMQ broker for the tests; `npm test` provides it. */
export function getTestAmqpUrl(): string {
  const url = process.env.TEST_AMQP_URL
  if (!url) throw new Error('TEST_AMQP_URL is not set: run the tests by `npm test`')
  return url
}
