// The reference server on loopback, with a directory of identities of its own: nothing leaves this machine.
// Prints its port as one line of JSON; ends when its standard input does.  The one argument is an empty folder.
'use strict'
const http = require('node:http')
const path = require('node:path')
const { createRequire } = require('node:module')

const installed = createRequire(path.join(process.cwd(), 'package.json'))

// libsql stands in for better-sqlite3, which has to be compiled; where that gives a Buffer it gives an ArrayBuffer.
const Database = installed('better-sqlite3')
const prepare = Database.prototype.prepare
Database.prototype.prepare = function (sql) {
  const statement = prepare.call(this, sql)
  const all = statement.all.bind(statement)
  statement.all = (...values) => all(...values).map((row) => Object.fromEntries(Object.entries(row).map(
    ([name, value]) => [name, value instanceof ArrayBuffer ? Buffer.from(value) : value])))
  return statement
}

const { PDS, envToCfg, envToSecrets } = installed('@atproto/pds')

const operations = new Map()
const directory = http.createServer((request, response) => {
  const did = decodeURIComponent(request.url.split('/')[1])
  if (request.method === 'POST') {
    const parts = []
    request.on('data', (part) => parts.push(part))
    request.on('end', () => { operations.set(did, JSON.parse(Buffer.concat(parts))); response.end('{}') })
    return
  }
  const operation = operations.get(did)
  response.statusCode = operation ? 200 : 404
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify(operation ? described(did, operation) : {}))
})

function described (did, operation) {
  return {
    '@context': ['https://www.w3.org/ns/did/v1'],
    id: did,
    alsoKnownAs: operation.alsoKnownAs,
    verificationMethod: Object.entries(operation.verificationMethods).map(([name, key]) => ({
      id: `${did}#${name}`, type: 'Multikey', controller: did, publicKeyMultibase: key.replace('did:key:', '')
    })),
    service: Object.entries(operation.services).map(([name, one]) => ({
      id: `#${name}`, type: one.type, serviceEndpoint: one.endpoint
    }))
  }
}

async function main () {
  await new Promise((resolve) => directory.listen(0, '127.0.0.1', resolve))
  const environment = {
    devMode: true,
    port: 0,
    hostname: 'localhost',
    dataDirectory: process.argv[2],
    blobstoreDiskLocation: path.join(process.argv[2], 'blobs'),
    didPlcUrl: `http://127.0.0.1:${directory.address().port}`,
    serviceHandleDomains: ['.test'],
    inviteRequired: false,
    jwtSecret: 'of a test',
    adminPassword: 'of a test',
    plcRotationKeyK256PrivateKeyHex: '1'.repeat(64)
  }
  const pds = await PDS.create(envToCfg(environment), envToSecrets(environment))
  const server = await pds.start()
  process.stdout.write(JSON.stringify({ port: server.address().port }) + '\n')
  process.stdin.resume()
  process.stdin.on('end', () => process.exit(0))
}

main().catch((error) => { console.error(error); process.exit(1) })
