import type { Translation } from './translation.ts'

/** Japanese, in です and ます. */
export const texts: Translation = {
  GS_BODY_INVALID: 'サーバーが入力内容を理解できませんでした：{reason}',
  GS_QUERY_INVALID: 'サーバーがこの要求を理解できませんでした：{reason}',
  GS_BODY_TOO_LARGE: '一度に送信できる量を超えています。上限は16 KiBです。',
  GS_CONTENT_TYPE:
    'フォーム（application/x-www-form-urlencoded）、または受け付けられる場所ではJSON（application/json）を送信してください。',
  GS_USERNAME_INVALID: '{reason}',
  GS_USERNAME_TAKEN: 'このユーザー名はすでに使われています。別の名前を選んでください。',
  GS_EMAIL_INVALID: '{reason}',
  GS_PASSWORD_WEAK: '{reason}',
  GS_PASSWORD_INVALID: '{reason}',
  GS_CREDENTIALS: 'ユーザー名またはパスワードが違います。',
  GS_ACCOUNT_LOCKED: 'このアカウントはロックされています。サイトの運営者にお問い合わせください。',
  GS_ACCOUNT_UNKNOWN: 'そのようなアカウントはありません。',
  GS_CURRENT_PASSWORD: '現在のパスワードが違います。',
  GS_CURRENT_PASSWORD_REQUIRED: '現在のパスワードを入力してください。',
  GS_LINK_INVALID: 'このリンクは無効です。メールソフトで途中で切れた可能性があります。',
  GS_LINK_EXPIRED: 'このリンクは期限切れです。新しいリンクを請求してください。',
  GS_LINK_USED: 'このリンクはすでに使用されたか、より新しいリンクが送信されています。',
  GS_EMAIL_TAKEN:
    '別のアカウントが先にこのアドレスを確認しました。そのアカウントを削除するか、別のアドレスに変更してから、もう一度お試しください。',
  GS_EMAIL_SAME: 'これはすでにこのアカウントのアドレスです。',
  GS_SESSION_UNKNOWN: 'このセッションはすでに終了しています。',
  GS_MAIL_UNKNOWN: 'このメールはすでに送信待ちにありません。',
  GS_SECTOR_UNKNOWN: 'その名前のセクターはありません：{reason}',
  GS_RANK: '変更できるのはご自身より低いレベルのアカウントだけで、付与できるのもご自身より低いレベルだけです。',
  GS_NOT_LOGGED_IN: '先にログインしてください。',
  GS_PASSWORD_CHANGE_REQUIRED: '先に新しいパスワードを設定してください。',
  GS_CODE_INVALID: 'このコードは間違っているか、期限切れです。新しいコードを請求してください。',
  GS_SESSION_REFUSED: '{reason}',
  GS_LOGIN_REFUSED: '{reason}',
  GS_SESSION_LIMIT: 'このサイトで同時にログインできる端末の数に達しています。先に別の端末でログアウトしてください。',
  GS_SESSIONS_FULL: '現在、このサイトで受け入れられる数を超える訪問者がいます。後でもう一度お試しください。',
  GS_CSRF: 'このフォームは現在のセッションのものではなくなりました。ページを再読み込みしてください。',
  GS_DATA_TOO_LARGE: 'セッションに保存できる量を超えています：{reason}',
  GS_SETTING_INVALID: '{reason}',
  GS_GROUP_INVALID: '{reason}',
  GS_GROUP_UNKNOWN: 'そのようなグループはありません。',
  GS_GROUP_TAKEN: 'その名前のグループはすでにあります。',
  GS_FORBIDDEN: 'このアカウントにはその権限がありません。',
  GS_NOT_FOUND: 'ここには何もありません。',
  GS_CROSS_SITE: 'この要求は別のサイトから送られたため、拒否されました。',
  GS_CONFIGURED_ADMIN: 'このアカウントはサーバーの設定で定義されています。変更はサーバーの設定で行ってください。',
  GS_CONFLICT: 'このアカウントは同時に変更されました。もう一度お試しください。',
  GS_TOO_MANY_ATTEMPTS: '試行回数が多すぎます。しばらく待ってからもう一度お試しください。',
  GS_PASSWORD_DISABLED: 'パスワードの間違いが多すぎます。「パスワードをお忘れですか？」から新しいパスワードを設定してください。',
  GS_TOO_MANY_SOCKETS: '開いている接続が多すぎます。ウィンドウをいくつか閉じてからもう一度お試しください。',
  GS_BUSY: 'サーバーが混み合っています。少し待ってからもう一度お試しください。',
  GS_UPSTREAM: '応答するはずのサーバーから応答がありません。後でもう一度お試しください。',
  GS_INTERNAL: 'サーバーで問題が発生しました。後でもう一度お試しください。',

  'reason.username.form': "ユーザー名の先頭は文字か数字にしてください。使えるのは文字、数字、および . _ - ' だけです。",
  'reason.username.length': 'ユーザー名は2～32文字です。',
  'reason.username.address': 'ウェブアドレスのようなユーザー名は使えません。',
  'reason.username.alphabets': 'ユーザー名には1種類の文字体系だけを使ってください。この名前には複数が混ざっています。',
  'reason.username.marks': '1文字に多くの記号を重ねたユーザー名は使えません。',
  'reason.username.confirm': '確認のため、ここにユーザー名を入力してください。',
  'reason.email': 'このアドレスにはメールを送信できません。name@example.com の形式で入力してください。',
  'reason.password.short': '{count}文字以上にしてください。いくつかの単語を組み合わせると良いパスワードになります。',
  'reason.password.personal': 'ご自分の名前やアドレス、このサイトの名前はパスワードに使えません。',
  'reason.password.common': 'このパスワードは攻撃者が最初に試すものの一つです。別のものを選んでください。',
  'reason.password.damaged': 'パスワードに壊れた文字が含まれています。',
  'reason.password.long': 'パスワードが長すぎます。上限は1024バイトです。',
  'reason.password.same': 'これは現在のパスワードです。別のパスワードを選んでください。',
  'reason.password.repeat': '2つのパスワードが一致しません。',
  'reason.session.refused': 'このサイトは現在、新しい訪問者を受け付けていません。',
  'reason.login.refused': '現在はログインできません。',
  'reason.group.name': "グループ名の先頭は文字か数字にしてください。使えるのは文字、数字、および . _ - ' だけで、最大64文字です。",
  'reason.group.level': 'グループのレベルは{lowest}～{highest}の整数です。',

  'mail.hello': '{username} 様',
  'mail.contact': 'ご質問は {contact} までお寄せください。担当者がお答えします。',
  'mail.verify-email.subject': '{siteName}：メールアドレスの確認',
  'mail.verify-email.text':
    'このメールアドレスで {siteName} への登録がありました（アドレス {ip} から）。ご本人の場合は、メールアドレスを確認してください：',
  'mail.verify-email.button': 'メールアドレスを確認する',
  'mail.verify-email.after':
    'このリンクは1回だけ使えます。有効期間は{duration}です。期限までに確認されないアカウントは削除されます。\nお心当たりがない場合は、何もする必要はありません。',
  'mail.forgot-password.subject': '{siteName}：新しいパスワードの設定',
  'mail.forgot-password.text':
    '{siteName} のあなたのアカウントについて、新しいパスワードの請求がありました（アドレス {ip} から）。ご本人の場合は、こちらからお進みください：',
  'mail.forgot-password.button': '新しいパスワードを設定する',
  'mail.forgot-password.after':
    'このリンクは1回だけ使えます。有効期間は{duration}です。\nお心当たりがない場合は、このメールを無視してください。パスワードはそのまま変わりません。',
  'mail.forgot-password.text.admin':
    '{siteName} の運営者があなたのアカウントのパスワードを無効にし、すべての端末からログアウトさせました。こちらから新しいパスワードを設定してください：',
  'mail.forgot-password.after.admin':
    'このリンクは1回だけ使えます。有効期間は{duration}です。\n期限が過ぎた場合は「パスワードをお忘れですか？」から新しいリンクを受け取れます： {loginUrl}',
  'mail.change-email.subject': '{siteName}：新しいメールアドレスの確認',
  'mail.change-email.text':
    '{siteName} のアカウント「{username}」のメールアドレスをこのアドレスに変更する請求がありました（アドレス {ip} から）。ご本人の場合は、確認してください：',
  'mail.change-email.button': '新しいメールアドレスを確認する',
  'mail.change-email.after':
    'このリンクは1回だけ使えます。有効期間は{duration}です。それまでアカウントのアドレスは変わりません。\nお心当たりがない場合は、リンクを開かないでください。開かなければ何も変わりません。',
  'mail.login-code.subject': '{siteName}：ログイン用のコード',
  'mail.login-code.text':
    '{siteName} のあなたのアカウントにログインしようとしている人がいます（アドレス {ip} から）。ご本人の場合は、このコードを入力してください：',
  'mail.login-code.after':
    'このコードは1回だけ使えます。有効期間は{duration}です。誰にも教えないでください。サイトの運営者がコードを尋ねることはありません。\nお心当たりがない場合は、このメールを無視してください。コードがなければ誰もログインできません。',
  'mail.password-off.subject': '{siteName}：アカウントのパスワードが停止されました',
  'mail.password-off.text':
    '{siteName} のあなたのアカウントで間違ったパスワードが何度も試されたため、どのパスワードも受け付けなくなりました。ログイン中の端末はそのままです。こちらから再開し、以前のパスワードが推測されやすいものだった場合は新しいものを選んでください：',
  'mail.password-off.button': 'パスワードを再開する',
  'mail.password-off.after':
    'このリンクは1回だけ使えます。有効期間は{duration}です。期限が過ぎた場合は「パスワードをお忘れですか？」から新しいリンクを受け取れます。',
  'mail.already-registered.subject': '{siteName} のアカウントをすでにお持ちです',
  'mail.already-registered.text':
    'このメールアドレスで {siteName} に登録しようとした人がいます（アドレス {ip} から）。このアドレスはあなたのアカウント「{username}」のものなので、別のアカウントで確認することはできません。\nご本人の場合は、登録ではなくログインするか、こちらで新しいパスワードを請求してください： {loginUrl}',
  'mail.already-registered.after': 'お心当たりがない場合は、何もする必要はありません。',
  'mail.email-in-use.subject': '{siteName}：このアドレスはすでに使われています',
  'mail.email-in-use.text':
    '{siteName} の別のアカウントのメールアドレスをこのアドレスに変更する請求がありました（アドレス {ip} から）。このアドレスはあなたのアカウント「{username}」のものなので、別のアカウントで使うことはできません。\nご本人の場合は、先にこのアカウントのアドレスを変更するか、このアカウントを削除してください。',
  'mail.email-in-use.after': 'お心当たりがない場合は、何もする必要はありません。',
  'mail.email-changed.subject': '{siteName}：メールアドレスが変更されました',
  'mail.email-changed.text':
    '{siteName} のアカウント「{username}」のメールアドレスが別のものに変更されました（アドレス {ip} から）。今後、このアカウントについてのメールはここには届きません。',
  'mail.email-changed.undo': 'お心当たりがない場合は、アカウントを取り戻してください：',
  'mail.email-changed.button': '変更を取り消す',
  'mail.email-changed.after':
    'このリンクは1回だけ使えます。有効期間は{duration}です。このアドレスに戻り、すべての端末がログアウトされ、新しいパスワードを設定できます。\nご本人による変更の場合は、何もする必要はありません。',
  'mail.email-changed.after.unlinked':
    'アカウントがその後削除されたため、変更を取り消すことはできません。お心当たりがない場合は、サイトの運営者にご連絡ください。',
  'mail.password-changed.subject': '{siteName}：パスワードが変更されました',
  'mail.password-changed.text':
    '{siteName} のあなたのアカウントのパスワードが変更されました（アドレス {ip} から）。ほかのすべての端末はログアウトされました。',
  'mail.password-changed.after':
    'お心当たりがない場合は、すぐに「パスワードをお忘れですか？」から新しいパスワードを請求してください： {loginUrl}',
  'mail.account-deleted.subject': '{siteName}：アカウントが削除されました',
  'mail.account-deleted.text':
    'ご請求のとおり、{siteName} のあなたのアカウントは削除されました。このアカウントについてのメールはこれが最後です。'
}
