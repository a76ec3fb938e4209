# A device in Ruby, with nothing but its standard library: signs for examples/device.rs.
#
#     HMAC_KEY=secret ruby examples/device.rb http://127.0.0.1:3000

require "json"
require "net/http"
require "openssl"
require "time"

SERVER = ARGV.fetch(0)
KEY = ENV.fetch("HMAC_KEY")

def sign(text)
  OpenSSL::HMAC.hexdigest("SHA256", KEY, text)
end

# Signed is the very string that is sent: JSON made twice need not be the same twice.
def send_signed(path, body, tag)
  headers = { "Content-Type" => "application/json", "X-HMAC-Signature" => tag }
  answer = Net::HTTP.post(URI(SERVER + path), body, headers)
  puts "#{answer.body} #{answer.code}"
end

body = JSON.generate(celsius: 21.5, room: "Küche")
send_signed("/readings", body, sign(body))

address = "00:1B:44:11:3A:B7"
timestamp = Time.now.utc.iso8601
body = JSON.generate(mac_address: address, timestamp: timestamp)
send_signed("/register", body, sign("#{address}:#{timestamp}"))

# Another text than was signed.
send_signed("/readings", body, sign("#{address}:#{timestamp}"))
