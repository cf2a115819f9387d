// @kafkajs/confluent-schema-registry registers with the registry at argv[2], writes, and reads by a client that knows nothing yet.
const { SchemaRegistry, SchemaType } = require('@kafkajs/confluent-schema-registry');
const assert = require('assert');
(async () => {
  const registry = new SchemaRegistry({ host: process.argv[2] });
  for (const [type, schema, value] of [
    [SchemaType.AVRO, '{"type":"record","namespace":"js","name":"R","fields":[{"name":"a","type":"int"}]}', { a: 5 }],
    [SchemaType.JSON, '{"type":"object","properties":{"a":{"type":"integer"}}}', { a: 5 }],
    [SchemaType.PROTOBUF, 'syntax = "proto3"; package js; message P { int32 a = 1; }', { a: 5 }],
  ]) {
    const { id } = await registry.register({ type, schema }, { subject: 'js-' + type });
    const again = await registry.register({ type, schema }, { subject: 'js-' + type });
    assert.strictEqual(again.id, id);
    const bytes = await registry.encode(id, value);
    assert.strictEqual(bytes.readInt32BE(1), id);
    const fresh = new SchemaRegistry({ host: process.argv[2] });
    assert.strictEqual((await fresh.decode(bytes)).a, 5);
    assert.strictEqual(await fresh.getLatestSchemaId('js-' + type), id);
  }
  console.log('done');
})().catch(e => { console.error(e); process.exit(1); });
