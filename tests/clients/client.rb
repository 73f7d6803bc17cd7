# Ruby's net/pop: PORT SECURITY OUT SEEN keep|delete
require 'net/pop'
port, security, out, seen, what = ARGV
pop = Net::POP3.new('127.0.0.1', port.to_i)
pop.enable_ssl(OpenSSL::SSL::VERIFY_NONE) if security == 'tls'
old = File.exist?(seen) ? File.readlines(seen, chomp: true) : []
pop.start('thomas', 'secret') do
  ids = pop.mails.map(&:unique_id)
  pop.mails.each do |mail|
    File.binwrite(format('%s/%06d', out, mail.number), mail.pop) unless
      old.include?(mail.unique_id)
    mail.delete if what == 'delete'
  end
  File.write(seen, ids.map { |id| "#{id}\n" }.join)
end
