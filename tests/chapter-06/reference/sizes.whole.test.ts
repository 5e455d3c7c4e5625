/** The cases of group 9: messages of megabytes, and thousands of fragments. They take seconds. */
import { frameCases } from '../cases/index.ts';
import { passes } from './machine-echo.ts';

passes(frameCases['9 sizes'] ?? []);
