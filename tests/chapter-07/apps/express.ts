/** An application of Express that knows nothing of the server that it runs on. */
import express from 'express';

export const app = express();

app.get('/', (_request, response) => void response.json({ pid: process.pid, mark: 'express' }));
app.post('/echo', (request, response) => void request.pipe(response));
