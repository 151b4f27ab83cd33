namespace DeepEdu.Gpu;

/// <summary>An object for each of some types. Types have numbers, because a place in an array is found faster than a type in a dictionary; reading takes no lock.</summary>
internal sealed class ByType
{
    private static int s_last = -1;

    private readonly Lock _gate = new();
    private volatile object?[] _all = new object?[64];

    /// <summary>The object of a type, or null.</summary>
    public object? Find<T>()
    {
        int at = Number<T>.Value;
        var all = _all;
        return at < all.Length ? all[at] : null;
    }

    /// <summary>The object of a type, made if it is not there yet.</summary>
    public object Add<T>(Func<object> make)
    {
        lock (_gate)
        {
            if (Find<T>() is { } known) { return known; }
            object made = make();
            // readers see the old array or the whole new one
            object?[] all = [.. _all, .. new object?[Math.Max(0, Number<T>.Value + 1 - _all.Length)]];
            all[Number<T>.Value] = made;
            _all = all;
            return made;
        }
    }

    private static class Number<T>
    {
        public static readonly int Value = Interlocked.Increment(ref s_last);
    }
}
