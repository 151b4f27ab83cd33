namespace DeepEdu.Data;

/// <summary>The checksum of PNG, gzip and zip: CRC-32 of ISO 3309, polynomial 0xEDB88320 with the lowest bit first.</summary>
internal static class Crc32
{
    private static readonly uint[] s_table = Table();

    /// <summary>The checksum of what came before, 0 at first, and of these bytes.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        crc = ~crc;
        uint[] table = s_table;
        foreach (byte b in bytes) { crc = table[(byte)(crc ^ b)] ^ (crc >> 8); }
        return ~crc;
    }

    private static uint[] Table()
    {
        uint[] table = new uint[256];
        for (uint n = 0; n < 256; n++)
        {
            uint c = n;
            for (int k = 0; k < 8; k++) { c = (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1; }
            table[n] = c;
        }
        return table;
    }
}
