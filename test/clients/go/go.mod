module sallyport.invalid/client

go 1.21
