/** A fake course in two versions, tagged `v1` and `v2`, for the tests of `update`: real repositories. */
import { FakeCourse } from './fake-course.ts';

/** What chapters/01-echo/echo.ts is in the first version. The second changes its fifth line. */
export const STARTER = '// one\n// two\n// three\n// four\n// five\n// TODO 1.1\n';

export function twoVersions(): FakeCourse {
  const course = new FakeCourse();
  course.write('chapters/01-echo/echo.ts', STARTER);
  course.write('chapters/01-echo/old.ts', '// old\n');
  course.write('tests/chapter-01/1.1-echo.test.ts', '// rules\n');
  course.commit('version 1');
  course.git('tag', 'v1');
  course.write('chapters/01-echo/echo.ts', STARTER.replace('five', 'five, better'));
  course.write('chapters/01-echo/README.md', '# The lesson\n\nMore.\n');
  course.write('chapters/02-http/http.ts', '// new starter of http\n');
  course.write('chapters/02-http/added.ts', '// added\n');
  course.remove('chapters/01-echo/old.ts');
  course.write('solutions/01-echo/lines.ts', '// new reference: pass 1.3\n');
  course.write('chapters/01-echo/lines.ts', '// new starter of lines\n');
  course.write('tests/chapter-01/1.1-echo.test.ts', '// more rules\n');
  course.write('course/news.ts', '// a file of the runner\n');
  course.write('package.json', course.read('package.json').replace(/"version": "[^"]*"/, '"version": "9.0.0"'));
  const manifest = course.read('course/manifest.ts');
  course.write('course/manifest.ts', manifest
    .replace("standsOn: [2], exercises: []", "standsOn: [2], exercises: [one('3.1', 'files.ts', 'First'), one('3.2', 'files.ts', 'Second')]")
    .replace("one('2.2', 'http.ts', 'Second')", "one('2.2', 'http.ts', 'Second'), one('2.3', 'http.ts', 'Third')"));
  course.commit('version 2');
  course.git('tag', 'v2');
  return course;
}

/** A learner's clone of the first version, which knows where the second is. */
export function learnersClone(course: FakeCourse): FakeCourse {
  const clone = course.clone();
  clone.git('reset', '--quiet', '--hard', 'v1');
  return clone;
}

/** Without the line breaks of the terminal. */
export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}
