/** Whether somebody typed this user name; keyboards differ in how they compose an accented letter. */
export function isSameName(typed: string, username: string): boolean {
  return typed.trim().normalize('NFC') === username.normalize('NFC')
}
