/**
 * An Express application as it is, and below it the one line that brings it here:
 * `npm run serve chapter-05 -- --solution --app chapters/05-gateway/steps/express.mjs:app`.
 */
import express from 'express';
import { fromNodeHandler } from '../index.ts';

// #region express
const theirs = express();
theirs.use(express.json({ limit: '10kb' }));
theirs.get('/', (req, res) => res.send('Hello from Express\n'));
theirs.post('/sum', (req, res) => res.json({ sum: req.body.reduce((sum, n) => sum + n, 0) }));
theirs.get('/count', async (req, res) => {
  for (let i = 1; i <= 3; i++) {
    res.write(`${i}\n`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  res.end();
});

export const app = fromNodeHandler(theirs);
// #endregion express
