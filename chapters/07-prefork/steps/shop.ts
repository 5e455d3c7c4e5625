/** An Express application that knows nothing of the server it runs on. */
import express from 'express';

// #region shop
export const app = express();

app.get('/', (_req, res) => { res.send(`hello from ${process.pid}\n`); });
app.get('/slow', (_req, res) => { setTimeout(() => res.send('done\n'), 200); });
app.get('/crash', () => { setImmediate(() => JSON.parse('{ "price": ')); });
app.get('/stuck', () => countPrices());

function countPrices(): never {
  for (;;);
}
// #endregion shop
